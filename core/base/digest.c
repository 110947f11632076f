typedef int base_digest_unit;
