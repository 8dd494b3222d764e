async def main(w):
    h = spawn await fetch("a") on w
    k = spawn 1 + await h on w
    return await spawn fetch(await k) on w
