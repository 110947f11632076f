typedef int maildir_tree_unit;
