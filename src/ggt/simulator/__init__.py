"""The simulated provider: a local server that speaks two vendors' wires, with faults, prices and delays on demand.

Everything that it answers is labelled as a simulation; it says nothing about any real model.
"""
