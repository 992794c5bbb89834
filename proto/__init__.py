"""Wire formats: protobuf sources with the generated code beside them."""
