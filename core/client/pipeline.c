typedef int client_pipeline_unit;
