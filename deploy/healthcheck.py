"""Exit code 0 when the server in this container answers /healthz: `python deploy/healthcheck.py [port]`."""

import sys
import urllib.request

port = sys.argv[1] if len(sys.argv) > 1 else "8000"
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with direct.open(f"http://127.0.0.1:{port}/healthz", timeout=4) as answer:
    sys.exit(0 if answer.status == 200 else 1)
