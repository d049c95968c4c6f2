"""A web server that hands out ranges of a folder's files, as object stores do: python file_server.py FOLDER

Prints its port.
"""

import re
import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Ranges(SimpleHTTPRequestHandler):
    """Answers `Range: bytes=first-last`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not path.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        content = path.read_bytes()
        first, last = (int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)) if wanted \
            else (0, len(content) - 1)
        self.send_response(HTTPStatus.PARTIAL_CONTENT if wanted else HTTPStatus.OK)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        self.wfile.write(content[first:last + 1])


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranges, directory=sys.argv[1]))
    print(server.server_port, flush=True)
    server.serve_forever()
