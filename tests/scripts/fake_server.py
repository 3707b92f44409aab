#!/usr/bin/env python3
"""Stands in for llama-server: the same arguments and replies, and no model."""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._reply({"status": "ok"})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert asked["ignore_eos"]
        assert asked["messages"][0]["role"] == "system"
        written = asked["max_tokens"]
        usage = {"prompt_tokens": 90, "completion_tokens": written}
        self._reply({"usage": usage, "timings": {"prompt_n": 40}})

    def _reply(self, answer: dict[str, object]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


parser = argparse.ArgumentParser()
parser.add_argument("--host")
parser.add_argument("--port", type=int)
for name in ("model", "parallel", "ctx-size", "threads", "threads-batch"):
    parser.add_argument(f"--{name}")
args = parser.parse_args()
ThreadingHTTPServer((args.host, args.port), Handler).serve_forever()
