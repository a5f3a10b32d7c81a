"""Random numbers that are the same everywhere, for fixtures."""


class Random:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return self.state >> 8

    def bytes(self, count, bits=8):
        return bytes((self.next() >> 8) & ((1 << bits) - 1) for _ in range(count))
