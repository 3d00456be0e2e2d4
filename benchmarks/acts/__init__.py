"""Acts: short programs inside the product, each in a process of its own (`benchmarks.perform`).

An act takes keyword arguments and returns something that JSON can hold.
"""
