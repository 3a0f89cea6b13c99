################################################################################
#
# python-audioop-lts
#
################################################################################

# Up to version 3.12 Python has the module itself, and this package is empty.
ifeq ($(filter 3.11 3.12,$(PYTHON3_VERSION_MAJOR)),)

PYTHON_AUDIOOP_LTS_VERSION = 0.2.2
PYTHON_AUDIOOP_LTS_SOURCE = audioop_lts-$(PYTHON_AUDIOOP_LTS_VERSION).tar.gz
PYTHON_AUDIOOP_LTS_SITE = $(OFFHOOK_PYTHON_SOURCES)/38/53/946db57842a50b2da2e0c1e34bd37f36f5aadba1a929a3971c5d7841dbca
PYTHON_AUDIOOP_LTS_SETUP_TYPE = setuptools
PYTHON_AUDIOOP_LTS_LICENSE = PSF-2.0
PYTHON_AUDIOOP_LTS_LICENSE_FILES = LICENSE

$(eval $(python-package))

else

$(eval $(generic-package))

endif
