# A package that a Buildroot to come brings along itself is taken from there: nothing may be defined twice.
OFFHOOK_OWN_PACKAGES = \
	$(notdir $(patsubst %/,%,$(dir $(wildcard $(BR2_EXTERNAL_OFFHOOK_PATH)/package/*/*.mk))))
OFFHOOK_INTREE_PACKAGES = \
	$(notdir $(patsubst %/,%,$(dir $(wildcard $(addprefix package/,$(addsuffix /*.mk,$(OFFHOOK_OWN_PACKAGES)))))))

# Where this Buildroot takes the sources of its own Python packages from.
OFFHOOK_PYTHON_SOURCES = $(firstword $(subst /packages/,/packages ,$(PYTHON_SERIAL_SITE)))

include $(foreach package,$(sort $(filter-out $(OFFHOOK_INTREE_PACKAGES),$(OFFHOOK_OWN_PACKAGES))),\
	$(BR2_EXTERNAL_OFFHOOK_PATH)/package/$(package)/$(package).mk)
