typedef int maildir_change_unit;
