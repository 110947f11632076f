typedef int index_message_unit;
