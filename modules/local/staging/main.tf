# The folder that holds a build's disk, firmware variables and records. It lies outside the workspace and goes with
# the staging, whatever became of the machine in it.
resource "terraform_data" "this" {
  input = {
    directory = var.directory
  }

  provisioner "local-exec" {
    command     = self.output.directory
    interpreter = ["mkdir", "-m", "0700", "--"]
    quiet       = true
  }

  provisioner "local-exec" {
    command     = self.output.directory
    interpreter = ["/bin/sh", "${path.module}/remove.sh"]
    quiet       = true
    when        = destroy
  }
}
