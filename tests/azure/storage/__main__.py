import base64

from tests.azure.storage.service import StorageService
from tests.azure.web import main

KEY = base64.b64encode(b"another key of the double" * 2).decode()

main(lambda url: StorageService(url, KEY), KEY)
