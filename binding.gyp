# A shim for node-gyp and prebuildify: CMakeLists.txt describes the build. The action names an
# output that is never created, so that CMake always gets to decide what is out of date.
{
  'targets': [
    {
      'target_name': 'medinfer',
      'type': 'none',
      'actions': [
        {
          'action_name': 'cmake',
          'inputs': [],
          'outputs': ['<(PRODUCT_DIR)/never-created'],
          'action': ['node', '<(module_root_dir)/scripts/build.mjs']
        }
      ]
    }
  ]
}
