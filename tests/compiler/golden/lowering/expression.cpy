from __future__ import annotations

import asyncio


async def main(ws):
    hs = [spawn f(x) on ws[i] for i, x in enumerate(xs) if x]
    h = spawn f(*a, k=1, **b) on circuit.worker("gpu") if hs else None
    return await spawn g(hs, h) on ws.pick(key=lambda w: w.load)
