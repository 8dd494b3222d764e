h = spawn (total := add(1, 2)) on w
k = spawn [last := x for x in (lambda: (y := [1]))()] on (spawn (z := f()) + 1 on w)
