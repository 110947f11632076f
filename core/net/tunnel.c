typedef int net_tunnel_unit;
