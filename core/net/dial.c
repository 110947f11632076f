typedef int net_dial_unit;
