typedef int maildir_name_unit;
