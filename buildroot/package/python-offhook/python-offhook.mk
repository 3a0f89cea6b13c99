################################################################################
#
# python-offhook
#
################################################################################

PYTHON_OFFHOOK_VERSION = 0.1.0
PYTHON_OFFHOOK_SITE = $(BR2_EXTERNAL_OFFHOOK_PATH)/..
PYTHON_OFFHOOK_SITE_METHOD = local
PYTHON_OFFHOOK_SETUP_TYPE = setuptools
PYTHON_OFFHOOK_LICENSE = Apache-2.0
PYTHON_OFFHOOK_LICENSE_FILES = LICENSE

# What the build needs of a checkout, and nothing of the virtual environments
# and images that may lie in it.
PYTHON_OFFHOOK_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = \
	--exclude=__pycache__ --exclude='*.egg-info' \
	--include='/device/***' --include='/firmware_scripts/***' \
	--include='/systemd/***' --include=/LICENSE --include=/README.md \
	--include=/pyproject.toml --exclude='/*'

# Byte code as offhook ships it, which is smaller than that of Buildroot. The
# sources are gone from the target by then, so that they come from the build.
PYTHON_OFFHOOK_MODULES = usr/lib/python$(PYTHON3_VERSION_MAJOR)/site-packages/device
ifeq ($(BR2_PACKAGE_PYTHON3_PYC_ONLY),y)
PYTHON_OFFHOOK_BYTECODE_OPTS = --sourceless
endif
ifneq ($(BR2_PACKAGE_PYTHON3_PY_ONLY),y)
define PYTHON_OFFHOOK_COMPILE_BYTECODE
	$(HOST_DIR)/bin/python3 $(PYTHON_OFFHOOK_DIR)/firmware_scripts/compile-bytecode \
		$(PYTHON_OFFHOOK_BYTECODE_OPTS) --runs-as /$(PYTHON_OFFHOOK_MODULES) \
		--into $(TARGET_DIR)/$(PYTHON_OFFHOOK_MODULES) $(PYTHON_OFFHOOK_DIR)/device
endef
PYTHON_OFFHOOK_TARGET_FINALIZE_HOOKS += PYTHON_OFFHOOK_COMPILE_BYTECODE
endif

define PYTHON_OFFHOOK_USERS
	- - gpio -1 * - - - GPIO lines
	offhook -1 offhook -1 * - - audio,dialout,gpio offhook telephone
endef

# Units that are not for every phone; they stand before those of offhook.
PYTHON_OFFHOOK_PRESETS = \
	$(if $(BR2_PACKAGE_PYTHON_OFFHOOK_EXCHANGE),"enable offhook-exchange.service") \
	$(if $(BR2_PACKAGE_PYTHON_OFFHOOK_CONSOLE),"enable offhook-console@.service $(PYTHON_OFFHOOK_CONSOLE_PORT)")
PYTHON_OFFHOOK_CONSOLE_PORT = $(call qstrip,$(BR2_PACKAGE_PYTHON_OFFHOOK_CONSOLE_PORT))

define PYTHON_OFFHOOK_INSTALL_INIT_SYSTEMD
	$(@D)/firmware_scripts/install-system $(TARGET_DIR) --prefix /usr --watchdog
	rm -f $(TARGET_DIR)/usr/lib/systemd/system-preset/70-offhook-options.preset
	$(if $(strip $(PYTHON_OFFHOOK_PRESETS)),\
		printf '%s\n' $(PYTHON_OFFHOOK_PRESETS) \
			>$(TARGET_DIR)/usr/lib/systemd/system-preset/70-offhook-options.preset)
endef

define PYTHON_OFFHOOK_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(PYTHON_OFFHOOK_PKGDIR)/S90offhook \
		$(TARGET_DIR)/etc/init.d/S90offhook
	$(INSTALL) -D -m 0755 $(PYTHON_OFFHOOK_PKGDIR)/keep-running \
		$(TARGET_DIR)/usr/libexec/offhook/keep-running
	$(PYTHON_OFFHOOK_INSTALL_EXCHANGE_SYSV)
	$(PYTHON_OFFHOOK_INSTALL_CONSOLE_SYSV)
endef

ifeq ($(BR2_PACKAGE_PYTHON_OFFHOOK_EXCHANGE),y)
define PYTHON_OFFHOOK_INSTALL_EXCHANGE_SYSV
	$(INSTALL) -D -m 0755 $(PYTHON_OFFHOOK_PKGDIR)/S91offhook-exchange \
		$(TARGET_DIR)/etc/init.d/S91offhook-exchange
endef
endif

ifeq ($(BR2_PACKAGE_PYTHON_OFFHOOK_CONSOLE),y)
define PYTHON_OFFHOOK_INSTALL_CONSOLE_SYSV
	$(INSTALL) -D -m 0755 $(PYTHON_OFFHOOK_PKGDIR)/S92offhook-console \
		$(TARGET_DIR)/etc/init.d/S92offhook-console
	mkdir -p $(TARGET_DIR)/etc/default
	echo 'PORT=/dev/$(PYTHON_OFFHOOK_CONSOLE_PORT)' \
		>$(TARGET_DIR)/etc/default/offhook-console
endef
endif

# With eudev beside another init.
ifeq ($(BR2_PACKAGE_HAS_UDEV):$(BR2_INIT_SYSTEMD),y:)
define PYTHON_OFFHOOK_INSTALL_UDEV_RULES
	$(INSTALL) -D -m 0644 $(@D)/systemd/offhook.rules \
		$(TARGET_DIR)/etc/udev/rules.d/60-offhook.rules
endef
PYTHON_OFFHOOK_POST_INSTALL_TARGET_HOOKS += PYTHON_OFFHOOK_INSTALL_UDEV_RULES
endif

define PYTHON_OFFHOOK_LINUX_CONFIG_FIXUPS
	$(call KCONFIG_ENABLE_OPT,CONFIG_EPOLL)
	$(call KCONFIG_ENABLE_OPT,CONFIG_GPIOLIB)
	$(call KCONFIG_ENABLE_OPT,CONFIG_GPIO_CDEV)
endef

$(eval $(python-package))
