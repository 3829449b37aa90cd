"""The drawn examination: plates that real pictures are too few of, frozen before training began.

Nothing here may change once sealed: a change of one pixel is another examination. For that reason
it borrows nothing from `models.synth`: it has its own glyph pictures, layouts, dirt, street,
light and camera, which training does not use. All arithmetic is exact (integers, or floats that
only add, multiply and divide), so that the same seed gives the same bytes on every machine.
"""
