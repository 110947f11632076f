typedef int server_tracker_unit;
