# The node image of node.Dockerfile with another containerd. runc stays Debian's: mounting an image needs nothing of it.
ARG NODE_IMAGE
FROM $NODE_IMAGE
COPY containerd containerd-shim-runc-v2 ctr /usr/bin/
# It reads the older configuration of kind's base image: a release that does not is found out here, not by a node.
RUN containerd config dump > /dev/null
