class Loud(Base):
    def start(self, w):
        spawn super() on w
        spawn super().start(w) on w
        return spawn [super().volume, lambda self: super().volume] on w
