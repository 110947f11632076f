typedef int index_intent_unit;
