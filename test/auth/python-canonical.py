"""Reads one base64 line per JSON document and prints its canonical form, a line each."""
import base64
import json
import sys

for line in sys.stdin.buffer:
    text = base64.b64decode(line).decode('utf-8')
    print(json.dumps(json.loads(text), separators=(',', ':'), sort_keys=True))
