"""One line."""; from __future__ import annotations; x = 1
def main(ws):
    spawn f(x) on ws
