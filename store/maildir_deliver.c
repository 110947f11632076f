typedef int maildir_deliver_unit;
