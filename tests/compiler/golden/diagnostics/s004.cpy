# coding: utf-8
x = "ÿ"
h = spawn f(x) on w
