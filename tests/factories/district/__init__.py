"""A district of many appointments, with as much of everything else as goes with them, made in bulk."""

from tests.factories.district.making import District, make_district

__all__ = ["District", "make_district"]
