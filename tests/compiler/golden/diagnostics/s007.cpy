async def fetch(url): ...


async def main(w, session):
    h = spawn await fetch("a") on w
    h = spawn await session.get("a") on w
    k = spawn 1 + await h on w
    k = spawn [part async for part in k] on w
    return await spawn fetch(await k) on w
