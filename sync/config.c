typedef int config_unit;
