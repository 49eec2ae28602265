"""Terms: ODRL policies in, one normal form inside, plain words out."""
