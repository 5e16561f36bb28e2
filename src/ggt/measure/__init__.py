"""Pure image analysis: arrays in, numbers out; used by ingest, the classical engine and the judges."""
