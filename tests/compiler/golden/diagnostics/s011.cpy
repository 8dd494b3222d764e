h = spawn lambda: area(3, n) on w
k = spawn (lambda  :  area(3, n)) on w
spawn lambda x: area(x, n) on w
spawn lambda: (yield) on w
