import base64
import os

from tests.azure.cosmos.service import CosmosService
from tests.azure.web import main

KEY = base64.b64encode(b"a key of the double" * 3).decode()

CONSISTENCY = os.environ.get("CONSISTENCY", "Strong")

main(lambda url: CosmosService(url, KEY, CONSISTENCY), KEY)
