typedef int marker_unit;
