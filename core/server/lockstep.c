typedef int lockstep_unit;
