#!/usr/bin/env circuit
# vim: set fileencoding=utf-8 :
# Copyright (c) the authors
def main(ws):
    spawn f("é") on ws
