"""Exit code 0 when the server in this container answers /healthz: `python deploy/healthcheck.py [port]`.

It asks under the installation's public name, because Django answers no other.
"""

import os
import sys
import urllib.request
from urllib.parse import urlsplit

port = sys.argv[1] if len(sys.argv) > 1 else "8000"
name = urlsplit(os.environ.get("APP_BASE_URL", "")).hostname or "localhost"
request = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": name})
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with direct.open(request, timeout=4) as answer:
    sys.exit(0 if answer.status == 200 else 1)
