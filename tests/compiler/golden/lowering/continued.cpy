import work
h = spawn work.start(1, \
    2) \
    on w
k = spawn \
    h + \
    1 \
    on \
    (w \
    )
m = [
    spawn (
        work  # which
    ).start(
        1
    ) on (
        w  # where
    ),
    spawn (

        work.start()

    ) on w,
]
