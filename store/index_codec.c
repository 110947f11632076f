typedef int index_codec_unit;
