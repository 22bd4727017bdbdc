import base64

from tests.azure.cosmos.service import CosmosService
from tests.azure.web import main

KEY = base64.b64encode(b"a key of the double" * 3).decode()

main(lambda url: CosmosService(url, KEY), KEY)
