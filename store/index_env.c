typedef int index_env_unit;
