("Doc"
 "string")  # why
from __future__ import (
    annotations,
)
def main(ws):
    spawn f(x) on ws
