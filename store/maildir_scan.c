typedef int maildir_scan_unit;
