typedef int message_digest_unit;
