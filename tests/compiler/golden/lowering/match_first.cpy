match x:
    case spawn:
        spawn f(spawn) on on
