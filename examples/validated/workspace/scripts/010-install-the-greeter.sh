#!/bin/sh -e
printf '%s\n' '#!/bin/sh' 'echo "hello from the image"' | sudo tee /usr/local/bin/greet
sudo chmod 0755 /usr/local/bin/greet
