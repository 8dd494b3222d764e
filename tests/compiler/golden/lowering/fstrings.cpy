"""Spawns in f-strings: `=` shows the text of the source."""

n = 3
print(f"{spawn work(n) on w}, {spawn n + 1 on w!r:>{n}}")
print(f"{spawn work(n) on w=}, { spawn n + 1 on w = !s:>20}")
print(f"{(spawn work({'n': n}) on w).result()=:>{(spawn n + 1 on w).result()=}}")
print(rf"\{spawn work('a') on w=}" "plain" f"{f'{spawn work(n) on w=}'}")
print(f"""{
    spawn work(
        n,
    ) on w
=}""")
