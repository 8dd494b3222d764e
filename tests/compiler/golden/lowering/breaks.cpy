hs = [
    spawn f(  # the callee
        x,  # an argument
        *rest,
    )  # after the call
    on  # before the place
    w
    for w in ws
]
h = spawn \
    f \
    (x, y) \
    on \
    w
k = (spawn (  # redundant
    f(  # nothing to send
    )
) on w)
m = (spawn
    a + \
    b
    on w)
n = spawn f(
    """
  text # no comment, on two lines
""", x) on w
