#!/usr/bin/env circuit
# The operand is no call: it is sent as a thunk.

a, b = 1, 2
spawn a + b on w
h = spawn (a, b) on w
k = spawn lambda x: x on w
m = spawn a if b else c on w
n = spawn not a on w
o = spawn f"{a}{f(b)!r:>{n}}" on w
